/// What jextract generates from the pinned headers. Only the runtime sees it.
module io.llatte.bindings {
    exports io.llatte.bindings to io.llatte.runtime;
}
