/* harden: drops privileges and descriptors of every process of the pool before it reads its first byte. It does not protect the
 * region: region_confine() does. */
#ifndef APP_PLATFORM_HARDEN_H
#define APP_PLATFORM_HARDEN_H

/* Keeps descriptors 0 to 2 and closes all above, which a launcher may have left open; opens /dev/null if 1 or 2 is missing, so
 * that no socket is used as standard output. Returns 0, or -1 with errno. */
int harden_descriptors(void);

/* Disables core files, debuggers and new privileges; children inherit all three. Returns 0, or -1 with errno. */
int harden_process(void);

#endif
