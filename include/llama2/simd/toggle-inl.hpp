// Included first by headers that begin a target's pass: has LLAMA2_TARGET_TOGGLE follow Highway's
// toggle, which foreach_target.h turns from pass to pass. Without passes there is none, whatever
// else a program does with Highway. (No guard: it does its work each time.)

#undef LLAMA2_TARGET_TOGGLE
#if defined(LLAMA2_DYNAMIC) && defined(HWY_TARGET_TOGGLE)
#define LLAMA2_TARGET_TOGGLE
#endif
