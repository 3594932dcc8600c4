/* install.h - where the parts of an installation are, told from where this program is. */
#ifndef CLI_INSTALL_H
#define CLI_INSTALL_H

/* Both are absolute and the caller's to free. */
char *install_host_path(void);  /* the program apigw-host */
char *install_plugin_dir(void); /* the plugins that come with the emulator; NULL: there is no such folder */

#endif
