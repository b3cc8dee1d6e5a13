package io.llatte.llama;

import io.llatte.internal.ffi.NativeAdapter;
import io.llatte.memory.DeviceArena;
import io.llatte.memory.MemoryPlan;
import io.llatte.memory.MemoryUsage;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/// A LoRA adapter: small matrices that change a model's layers without touching its weights. It lies in the model's arena, beside the weights that it
/// changes. The caller closes it; so does closing the model. Any thread.
public final class LoraAdapter implements AutoCloseable {

    private final Path path;
    private final Model model;
    private final DeviceArena scope;
    private final NativeAdapter adapter;
    private final Set<Context> users = new HashSet<>();
    private boolean closing;

    private LoraAdapter(Path path, Model model, DeviceArena scope, NativeAdapter adapter) {
        this.path = path;
        this.model = model;
        this.scope = scope;
        this.adapter = adapter;
    }

    static LoraAdapter load(Path gguf, Model model, DeviceArena scope) {
        if (!scope.budget().isUnlimited()) {
            scope.admit("the adapter " + gguf.getFileName(), plan(gguf, model));
        }
        NativeAdapter loaded = scope.ownOrClose(NativeAdapter.load(model.nativeModel(), gguf));
        scope.charge(Model.usagesOf(loaded.memory()));
        var adapter = new LoraAdapter(gguf, model, scope, loaded);
        scope.own(adapter::stop);
        return adapter;
    }

    static MemoryPlan plan(Path gguf, Model model) {
        return Model.planOf(NativeAdapter.plan(model.nativeModel(), gguf));
    }

    /// The file it was loaded from.
    public Path path() {
        return path;
    }

    /// The model that it changes.
    public Model model() {
        return model;
    }

    /// The bytes that it takes, as weights.
    public List<MemoryUsage> memory() {
        return Model.usagesOf(adapter.memory());
    }

    NativeAdapter nativeAdapter() {
        return adapter;
    }

    /// A context uses it from here on. The context's lock is held.
    ///
    /// @throws IllegalStateException if this is closed
    synchronized void usedBy(Context context) {
        if (closing) {
            throw new IllegalStateException("the adapter " + path.getFileName() + " is closed");
        }
        users.add(context);
    }

    synchronized void notUsedBy(Context context) {
        users.remove(context);
    }

    public synchronized boolean isOpen() {
        return !closing;
    }

    /// Takes it out of the contexts that use it, and frees it. Idempotent; waits for a running decode.
    @Override
    public void close() {
        scope.close();
    }

    /// Runs before the native adapter is freed: afterwards no context uses it, and none will.
    private void stop() {
        List<Context> all;
        synchronized (this) {
            closing = true;
            all = List.copyOf(users);
        }
        all.forEach(context -> context.without(this));
    }
}
