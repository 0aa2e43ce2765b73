/** A body as the doors hand it to codecs: bytes in chunks, and where a codec must look twice, again from the start. */
export interface ByteSource {
  /** Chunks from the first byte on. A source that was not kept can be opened once. */
  open(): AsyncIterable<Buffer>
}
