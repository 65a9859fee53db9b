// Counts the allocations of the calling thread, for tests that say how many there may be.
#pragma once
#include <stdbool.h>
#include <stdint.h>

// False under a sanitizer, whose own allocator must not be stood in for.
bool allocations_are_counted(void);

// Allocations of this thread since it began.
uint64_t allocations_count(void);
