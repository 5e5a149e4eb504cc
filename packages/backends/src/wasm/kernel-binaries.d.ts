/** The kernels of assembly/ in Base64, for engines with fixed-width SIMD. */
export const plain: string;
/** The same for engines with relaxed SIMD, whose multiply-add rounds once and takes one instruction. */
export const relaxed: string;
