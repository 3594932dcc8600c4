/* policy.c - the grammar of IAM policies (IAM user guide, "Grammar of the IAM JSON policy language"), for a policy that
 * belongs to a user: those have no Principal. */
#include "config/policy.h"

#include "config/checks.h"

static void check_version(struct reader *r, const struct node *n, void *target)
{
    static const char *const versions[] = {"2012-10-17", "2008-10-17"};

    check_choice(r, n, versions, COUNT(versions));
}

static void check_effect(struct reader *r, const struct node *n, void *target)
{
    static const char *const effects[] = {"Allow", "Deny"};

    check_choice(r, n, effects, COUNT(effects));
}

/* A string, or an array of them. */
static void check_values(struct reader *r, const struct node *n)
{
    if (!cJSON_IsArray(n->item)) {
        reader_is_string(r, n);
        return;
    }
    for (struct node at = node_first(n); at.item; at = node_next(&at))
        reader_is_string(r, &at);
}

/* {"IpAddress": {"aws:SourceIp": ["192.0.2.0/24"]}} */
static void check_condition(struct reader *r, const struct node *n, void *target)
{
    for (struct node op = node_first(n); op.item; op = node_next(&op))
        if (reader_is_object(r, &op))
            for (struct node key = node_first(&op); key.item; key = node_next(&key))
                check_values(r, &key);
}

#define ANY_STRING .type = FIELD_STRING, .offset = FIELD_NOWHERE, .max = CONFIG_FILE_BYTES_MAX, .limit = ""

/* clang-format off */
static const struct field statement_fields[] = {
    {.key = "Sid", ANY_STRING},
    {.key = "Effect", ANY_STRING, .required = true, .read = check_effect},
    {.key = "Action", .type = FIELD_STRINGS},
    {.key = "NotAction", .type = FIELD_STRINGS},
    {.key = "Resource", .type = FIELD_STRINGS},
    {.key = "NotResource", .type = FIELD_STRINGS},
    {.key = "Condition", .type = FIELD_OBJECT, .offset = FIELD_NOWHERE, .read = check_condition},
};
/* clang-format on */

static void check_either(struct reader *r, const struct node *n, const char *one, const char *other)
{
    struct node a = node_member(n, one), b = node_member(n, other);

    if (a.item && b.item)
        reader_error(r, n, document_key(&r->document, &b), "\"%s\" and \"%s\" exclude each other", one, other);
    if (!a.item && !b.item && !reader_is_misspelt(n, one, statement_fields, COUNT(statement_fields)) &&
        !reader_is_misspelt(n, other, statement_fields, COUNT(statement_fields)))
        reader_error(r, n, document_key(&r->document, n), "\"%s\" or \"%s\" is missing", one, other);
}

static void check_statement(struct reader *r, const struct node *n)
{
    reader_object(r, n, statement_fields, COUNT(statement_fields), NULL);
    if (!cJSON_IsObject(n->item))
        return;
    check_either(r, n, "Action", "NotAction");
    check_either(r, n, "Resource", "NotResource");
}

/* One statement may stand without its array. */
static void check_statements(struct reader *r, const struct node *n, void *target)
{
    if (!cJSON_IsArray(n->item)) {
        check_statement(r, n);
        return;
    }
    for (struct node at = node_first(n); at.item; at = node_next(&at))
        check_statement(r, &at);
}

/* clang-format off */
static const struct field policy_fields[] = {
    {.key = "Version", ANY_STRING, .read = check_version},
    {.key = "Id", ANY_STRING},
    {.key = "Statement", .type = FIELD_ANY, .required = true, .read = check_statements},
};
/* clang-format on */

void policy_check(struct reader *r, const struct node *object)
{
    reader_fields(r, object, policy_fields, COUNT(policy_fields), NULL);
}
