// Native addresses. koffi passes pointers as bigints; a null pointer is null.

/** The address of a native object; owned by whoever created it. */
export type Pointer = bigint;
