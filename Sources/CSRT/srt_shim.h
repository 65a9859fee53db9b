#pragma once
#include <srt/access_control.h>
#include <srt/srt.h>
#include <sys/prctl.h>

/* Variadic, which Swift does not see. */
static inline void csrt_name_thread(const char *name) { prctl(PR_SET_NAME, name); }
