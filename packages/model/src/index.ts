// Public names of this package.
export const packageName = "@loci/model";
