/* What compilers are asked to do. */

#ifndef HOLOTYPE_COMPILERS_H
#define HOLOTYPE_COMPILERS_H

#define INLINE static inline __attribute__((always_inline))
#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

#endif
