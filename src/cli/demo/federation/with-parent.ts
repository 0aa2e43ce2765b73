/** Loaded into a node of the demo before it: it does not outlive the demo, however that ends. */
process.once('disconnect', () => process.exit())
// Waiting for that keeps nobody alive: a node that could not start ends, and is missed.
process.channel?.unref()
