/* store.h - the environment's store. Opened by the first service that needs it (src/store_services.h). */
#ifndef HOST_STORE_H
#define HOST_STORE_H

/* When the environment ends. Without it nothing is lost, but the log is left for the next one to read. */
void host_store_close(void);

#endif
