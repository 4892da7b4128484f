// What came over a connection is not what both sides speak. Whose fault that is, the receiver says.

export class WireError extends Error {
  override readonly name = "WireError";
}
