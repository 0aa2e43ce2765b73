/** Loaded into a node of the demo before it: it does not outlive the demo, however that ends. */
process.once('disconnect', () => process.exit())
