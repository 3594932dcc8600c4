/* install.h - where the parts of an installation are, told from where this program is. */
#ifndef CLI_INSTALL_H
#define CLI_INSTALL_H

/* All are absolute and the caller's to free. */
char *install_host_path(void);    /* the program apigw-host */
char *install_client_path(void);  /* the program apigw-client */
char *install_plugin_dir(void);   /* the plugins that come with the emulator; NULL: there is no such folder */
char *install_store_module(void); /* apigw-store.so; NULL: it is not there */

#endif
