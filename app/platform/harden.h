/* harden: what every process of the pool gives up before it reads its first byte.
 *
 * The part of the region that a worker must not write is region_confine()'s. */
#ifndef APP_PLATFORM_HARDEN_H
#define APP_PLATFORM_HARDEN_H

/* Leaves descriptors 0 to 2 and closes what a launcher forgot above; opens /dev/null in place of a missing 1 or 2, so
 * that no socket is ever taken for standard output. 0, or -1. */
int harden_descriptors(void);

/* No core files, no debugger, no new privileges; children inherit all three. 0, or -1. */
int harden_process(void);

#endif
