/** The files of a store in its directory, one for each durability that outlives the process. */
export const STORE_FILES = ['disk.sqlite', 'process.sqlite'] as const;
