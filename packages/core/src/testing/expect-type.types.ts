/** Assertions about types, for the `*.types.ts` files: `expectType<Equal<typeof value, string>>()`. */

/** `true` for the same type, `false` for types that are merely assignable to each other. */
export type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

export declare function expectType<_T extends true>(): void;
