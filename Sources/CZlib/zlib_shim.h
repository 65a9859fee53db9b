/* zlib: gzip of playlists. */
#include <zlib.h>
