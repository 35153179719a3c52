// AddressSanitizer's settings for the libFuzzer programs; ASAN_OPTIONS overrides them.

extern "C" const char* __asan_default_options();

// For speed. The usual quarantine of 256 MiB makes every allocation touch new memory, and an input
// frees far less than this; a few frames say where a block came from.
extern "C" const char* __asan_default_options() {
  return "quarantine_size_mb=16:malloc_context_size=8";
}
