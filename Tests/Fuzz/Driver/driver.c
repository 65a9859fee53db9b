/* What libFuzzer calls. One program holds every target; SLUICE_FUZZ_TARGET names the one to run. */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

extern int32_t sluice_fuzz_index(const char *name);
extern void sluice_fuzz(int32_t index, const uint8_t *data, intptr_t size);

static int32_t target = -1;

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc;
    (void)argv;
    const char *name = getenv("SLUICE_FUZZ_TARGET");
    target = sluice_fuzz_index(name ? name : "");
    if (target < 0) {
        fprintf(stderr, "sluice-fuzz: set SLUICE_FUZZ_TARGET to the name of a folder in Tests/Fuzz/corpus\n");
        exit(2);
    }
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    sluice_fuzz(target, data, (intptr_t)size);
    return 0;
}
