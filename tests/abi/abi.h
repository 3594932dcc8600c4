/* abi.h - where every field of the public structs is, and every value that crosses the border, on 64-bit machines.
 *
 * Plugins that were built long ago count on these numbers. A field may be added at the end of a struct, with a line
 * here and a new APIGW_ABI_MINOR; a line that is here never changes while APIGW_ABI_MAJOR is 1. Compiled as C99 and as
 * C++11, which have no assertion in common: an array of negative size is one. */
#ifndef ABI_H
#define ABI_H

#include <apigw/collections.h>
#include <apigw/connections.h>
#include <apigw/event.h>
#include <apigw/json.h>
#include <apigw/log.h>
#include <apigw/plugin.h>
#include <apigw/websocket.h>

#define CHECK_NAME_(line) abi_check_in_line_##line
#define CHECK_NAME(line) CHECK_NAME_(line)
#define CHECK(condition) typedef char CHECK_NAME(__LINE__)[(condition) ? 1 : -1]

/* `field` is at byte `offset` and `size` bytes long. */
#define FIELD(type, field, offset, size) \
    CHECK(offsetof(struct type, field) == (offset) && sizeof(((struct type *)0)->field) == (size))
#define SIZE(type, size) CHECK(sizeof(struct type) == (size))
#define VALUE(name, value) CHECK((name) == (value))

CHECK(sizeof(void *) == 8);

/* clang-format off */
VALUE(APIGW_PLUGIN_MAGIC, 0x57475041u);
VALUE(APIGW_ABI_MAJOR, 1u);
VALUE(APIGW_ABI_MINOR, 2u);

FIELD(apigw_abi, magic, 0, 4);
FIELD(apigw_abi, major, 4, 4);
FIELD(apigw_abi, minor, 8, 4);
FIELD(apigw_abi, struct_size, 12, 4);
SIZE(apigw_abi, 16);

FIELD(apigw_span, ptr, 0, 8);
FIELD(apigw_span, len, 8, 8);
SIZE(apigw_span, 16);

VALUE(APIGW_OK, 0);
VALUE(APIGW_BAD_REQUEST, -400);
VALUE(APIGW_FORBIDDEN, -403);
VALUE(APIGW_GONE, -410);
VALUE(APIGW_TOO_LARGE, -413);
VALUE(APIGW_LIMIT_EXCEEDED, -429);
VALUE(APIGW_FAILED, -500);

VALUE(APIGW_CONNECT, 1);
VALUE(APIGW_MESSAGE, 2);
VALUE(APIGW_DISCONNECT, 3);
VALUE(APIGW_AUTHORIZER, 4);

VALUE(APIGW_LOG_ERROR, 0);
VALUE(APIGW_LOG_WARN, 1);
VALUE(APIGW_LOG_INFO, 2);
VALUE(APIGW_LOG_DEBUG, 3);

FIELD(apigw_event, abi, 0, 16);
FIELD(apigw_event, type, 16, 4);
FIELD(apigw_event, disconnect_status_code, 20, 4);
FIELD(apigw_event, connected_at_ms, 24, 8);
FIELD(apigw_event, request_time_ms, 32, 8);
FIELD(apigw_event, connection_id, 40, 16);
FIELD(apigw_event, route_key, 56, 16);
FIELD(apigw_event, body, 72, 16);
FIELD(apigw_event, request_id, 88, 16);
FIELD(apigw_event, message_id, 104, 16);
FIELD(apigw_event, stage, 120, 16);
FIELD(apigw_event, api_id, 136, 16);
FIELD(apigw_event, domain_name, 152, 16);
FIELD(apigw_event, source_ip, 168, 16);
FIELD(apigw_event, user_agent, 184, 16);
FIELD(apigw_event, disconnect_reason, 200, 16);
SIZE(apigw_event, 216);

FIELD(apigw_header, name, 0, 16);
FIELD(apigw_header, value, 16, 16);
SIZE(apigw_header, 32); /* an array of them crosses the border: it can never grow */

FIELD(apigw_response, abi, 0, 16);
FIELD(apigw_response, status_code, 16, 4);
FIELD(apigw_response, is_base64_encoded, 20, 4);
FIELD(apigw_response, body, 24, 16);
FIELD(apigw_response, headers, 40, 8);
FIELD(apigw_response, header_count, 48, 8);
SIZE(apigw_response, 56);

FIELD(apigw_connection, abi, 0, 16);
FIELD(apigw_connection, connected_at_ms, 16, 8);
FIELD(apigw_connection, last_active_at_ms, 24, 8);
FIELD(apigw_connection, source_ip, 32, 16);
FIELD(apigw_connection, user_agent, 48, 16);
SIZE(apigw_connection, 64);

FIELD(apigw_host, abi, 0, 16);
FIELD(apigw_host, respond, 16, 8);
FIELD(apigw_host, respond_json, 24, 8);
FIELD(apigw_host, fail, 32, 8);
FIELD(apigw_host, event_json, 40, 8);
FIELD(apigw_host, remaining_ms, 48, 8);
FIELD(apigw_host, log, 56, 8);
FIELD(apigw_host, post_to_connection, 64, 8);
FIELD(apigw_host, get_connection, 72, 8);
FIELD(apigw_host, delete_connection, 80, 8);
/* since 1.1 */
FIELD(apigw_host, allocate, 88, 8);
FIELD(apigw_host, json, 96, 8);
FIELD(apigw_host, store, 104, 8);
/* since 1.2 */
FIELD(apigw_host, post_to_connections, 112, 8);
SIZE(apigw_host, 120);

FIELD(apigw_context, abi, 0, 16);
FIELD(apigw_context, host, 16, 8);
FIELD(apigw_context, user, 24, 8);
FIELD(apigw_context, function_name, 32, 16);
FIELD(apigw_context, aws_request_id, 48, 16);
FIELD(apigw_context, memory_limit_mb, 64, 4);
SIZE(apigw_context, 72);

FIELD(apigw_handler, name, 0, 8);
FIELD(apigw_handler, handle, 8, 8);
SIZE(apigw_handler, 16);

FIELD(apigw_plugin, abi, 0, 16);
FIELD(apigw_plugin, name, 16, 8);
FIELD(apigw_plugin, version, 24, 8);
FIELD(apigw_plugin, handlers, 32, 8);
FIELD(apigw_plugin, handler_count, 40, 4);
FIELD(apigw_plugin, handler_size, 44, 4);
FIELD(apigw_plugin, init, 48, 8);
FIELD(apigw_plugin, fini, 56, 8);
SIZE(apigw_plugin, 64);

/* ---- json.h, since 1.1 ---- */

VALUE(APIGW_JSON_NONE, 0);
VALUE(APIGW_JSON_NULL, 1);
VALUE(APIGW_JSON_BOOLEAN, 2);
VALUE(APIGW_JSON_NUMBER, 3);
VALUE(APIGW_JSON_STRING, 4);
VALUE(APIGW_JSON_ARRAY, 5);
VALUE(APIGW_JSON_OBJECT, 6);

/* These three have no `abi`, so they can never grow. */
FIELD(apigw_json, type, 0, 4);
FIELD(apigw_json, reserved, 4, 4);
FIELD(apigw_json, raw, 8, 16);
SIZE(apigw_json, 24);

FIELD(apigw_json_iterator, of, 0, 24);
FIELD(apigw_json_iterator, at, 24, 8);
SIZE(apigw_json_iterator, 32);

FIELD(apigw_json_writer, context, 0, 8);
FIELD(apigw_json_writer, ptr, 8, 8);
FIELD(apigw_json_writer, len, 16, 8);
FIELD(apigw_json_writer, capacity, 24, 8);
FIELD(apigw_json_writer, comma, 32, 4);
FIELD(apigw_json_writer, failed, 36, 4);
SIZE(apigw_json_writer, 40);

FIELD(apigw_json_services, abi, 0, 16);
FIELD(apigw_json_services, parse, 16, 8);
FIELD(apigw_json_services, get, 24, 8);
FIELD(apigw_json_services, next, 32, 8);
FIELD(apigw_json_services, text, 40, 8);
FIELD(apigw_json_services, number, 48, 8);
FIELD(apigw_json_services, integer, 56, 8);
FIELD(apigw_json_services, write, 64, 8);
SIZE(apigw_json_services, 72);

/* ---- collections.h, since 1.1 ---- */

VALUE(APIGW_READING, 1u);
VALUE(APIGW_WRITING, 2u);
VALUE(APIGW_DELETING, 4u);
VALUE(APIGW_WHERE_MAX, 8);

VALUE(APIGW_EQUAL, 0);
VALUE(APIGW_NOT_EQUAL, 1);
VALUE(APIGW_LESS, 2);
VALUE(APIGW_LESS_EQUAL, 3);
VALUE(APIGW_GREATER, 4);
VALUE(APIGW_GREATER_EQUAL, 5);
VALUE(APIGW_STARTS_WITH, 6);

/* These six have no `abi` either. */
FIELD(apigw_collection, name, 0, 8);
FIELD(apigw_collection, permissions, 8, 4);
FIELD(apigw_collection, any_parent, 12, 4);
FIELD(apigw_collection, sub, 16, 8);
FIELD(apigw_collection, parent_id, 24, 16);
SIZE(apigw_collection, 40);

FIELD(apigw_document, collection, 0, 8);
FIELD(apigw_document, id, 8, 16);
SIZE(apigw_document, 24);

FIELD(apigw_snapshot, id, 0, 16);
FIELD(apigw_snapshot, parent_id, 16, 16);
FIELD(apigw_snapshot, content, 32, 24);
SIZE(apigw_snapshot, 56);

FIELD(apigw_where, field, 0, 8);
FIELD(apigw_where, op, 8, 4);
FIELD(apigw_where, reserved, 12, 4);
FIELD(apigw_where, value, 16, 24);
SIZE(apigw_where, 40);

FIELD(apigw_query, context, 0, 8);
FIELD(apigw_query, collection, 8, 8);
FIELD(apigw_query, where, 16, 320);
FIELD(apigw_query, where_count, 336, 8);
FIELD(apigw_query, limit, 344, 8);
FIELD(apigw_query, from, 352, 16);
FIELD(apigw_query, error, 368, 4);
SIZE(apigw_query, 376);

FIELD(apigw_page, documents, 0, 8);
FIELD(apigw_page, count, 8, 8);
FIELD(apigw_page, next, 16, 16);
SIZE(apigw_page, 32);

FIELD(apigw_store_services, abi, 0, 16);
FIELD(apigw_store_services, set, 16, 8);
FIELD(apigw_store_services, get, 24, 8);
FIELD(apigw_store_services, remove, 32, 8);
FIELD(apigw_store_services, fetch, 40, 8);
FIELD(apigw_store_services, kv_set, 48, 8);
FIELD(apigw_store_services, kv_get, 56, 8);
FIELD(apigw_store_services, kv_remove, 64, 8);
FIELD(apigw_store_services, kv_keys, 72, 8);
SIZE(apigw_store_services, 80);
/* clang-format on */

#endif
