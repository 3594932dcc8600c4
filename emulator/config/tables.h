/* tables.h - what routes.json may say, and AWS's rules on it. */
#ifndef CONFIG_TABLES_H
#define CONFIG_TABLES_H

#include "config/reader.h"

/* Fills r->config from the whole document; everything wrong goes to r->diagnostics. */
void tables_read(struct reader *r);

#endif
