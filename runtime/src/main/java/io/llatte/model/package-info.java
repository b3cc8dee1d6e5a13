/// Model files: a catalog of known ones and a store that downloads, verifies and keeps them.
///
/// ```java
/// ModelStore store = ModelStore.open();
/// StoredModel model = store.pull("gemma3-270m", progress -> System.err.println(progress.bytes() + " of " + progress.totalBytes()));
/// ```
///
/// A file under its final name is always whole and verified: it is assembled beside its place, compared with the catalog's SHA-256 and
/// renamed at the end.
package io.llatte.model;
