// AddressSanitizer's settings for the libFuzzer programs; ASAN_OPTIONS overrides them.

extern "C" const char* __asan_default_options();

// The usual quarantine of 256 MiB makes every allocation touch new memory: a small one is faster,
// and an input frees far less than this.
extern "C" const char* __asan_default_options() {
  return "quarantine_size_mb=16";
}
