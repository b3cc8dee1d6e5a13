package io.llatte.memory;

import io.llatte.InsufficientMemoryException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// To device memory what [java.lang.foreign.Arena] is to host memory: a scope. Models, contexts and what belongs to them are allocated
/// through an arena, charged to its ledger, and freed with it, the youngest first.
///
/// Arenas nest: a model's arena contains its contexts' arenas. Closing while a call runs inside cancels it, waits for it, and then frees;
/// memory is never freed under a running call. All methods may be called from any thread.
public final class DeviceArena implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(DeviceArena.class);

    private final String name;
    private final DeviceArena parent;
    private final MemoryBudget budget;
    private final MemoryLedger ledger;
    private final ReentrantLock closing = new ReentrantLock();
    private final Deque<AutoCloseable> owned = new ArrayDeque<>();
    private boolean closed;

    private DeviceArena(String name, DeviceArena parent, MemoryBudget budget, MemoryLedger ledger) {
        this.name = name;
        this.parent = parent;
        this.budget = budget;
        this.ledger = ledger;
        ArenaTrace.opened(this);
    }

    /// An arena that is bounded by nothing but the devices. The caller closes it.
    public static DeviceArena open() {
        return open(MemoryBudget.unlimited());
    }

    /// An arena that refuses, before touching a device, what would pass its budget. The caller closes it.
    public static DeviceArena open(MemoryBudget budget) {
        return new DeviceArena("arena", null, budget, new MemoryLedger());
    }

    /// A scope inside this one, closed with it at the latest. It shares the budget and the ledger.
    ///
    /// @throws IllegalStateException if this arena is closed
    public DeviceArena newChild(String childName) {
        var child = new DeviceArena(childName, this, budget, ledger);
        own(child);
        return child;
    }

    /// What the scope is for, as in `model gemma-3-270m`.
    public String name() {
        return name;
    }

    /// The account of this arena and all that it shares a root with.
    public MemoryLedger ledger() {
        return ledger;
    }

    public MemoryBudget budget() {
        return budget;
    }

    /// What it holds itself, without the arenas inside.
    synchronized long chargedBytes() {
        return owned.stream().filter(MemoryLedger.Charge.class::isInstance).mapToLong(each -> ((MemoryLedger.Charge) each).bytes()).sum();
    }

    public synchronized boolean isOpen() {
        return !closed;
    }

    /// Refuses a plan that, together with what is held already, would pass the budget.
    ///
    /// @throws InsufficientMemoryException with the device, the bytes asked for and the bytes left; nothing was touched
    /// @throws IllegalStateException if the arena is closed
    public void admit(String what, MemoryPlan plan) {
        checkOpen();
        Map<String, Long> held = ledger.bytesByDevice();
        plan.bytesByDevice().forEach((device, requested) -> {
            Long limit = budget.bytesByDevice().get(device);
            long left = limit == null ? Long.MAX_VALUE : limit - held.getOrDefault(device, 0L);
            if (requested > left) {
                throw new InsufficientMemoryException("%s needs %,d bytes on %s, and %,d of the budget of %,d bytes are left"
                        .formatted(what, requested, device, Math.max(0, left), limit), device, requested, Math.max(0, left));
            }
        });
    }

    /// Charges bytes to the ledger until this arena closes.
    ///
    /// @throws IllegalStateException if the arena is closed
    public void charge(List<MemoryUsage> usages) {
        ownOrClose(ledger.charge(name, usages));
    }

    /// Closes `resource` with this arena, before everything that was given to it earlier.
    ///
    /// @throws IllegalStateException if the arena is closed; the resource is then the caller's to close
    public synchronized void own(AutoCloseable resource) {
        checkOpen();
        owned.push(resource);
    }

    /// The same, closing `resource` at once where the arena is closed already: nobody else would.
    ///
    /// @throws IllegalStateException if the arena is closed
    public <T extends AutoCloseable> T ownOrClose(T resource) {
        try {
            own(resource);
            return resource;
        } catch (IllegalStateException closedMeanwhile) {
            closeLoudly(resource);
            throw closedMeanwhile;
        }
    }

    private synchronized void checkOpen() {
        if (closed) {
            throw new IllegalStateException("the " + name + " arena is closed");
        }
    }

    /// Frees everything inside, the youngest first. Idempotent; a second closer returns when the first is done.
    ///
    /// Something that fails to close is logged and does not keep the rest from being freed.
    @Override
    public void close() {
        // The monitor guards the fields and is held for moments; `closing` is held while children close. A child that closes on another
        // thread takes its parent's monitor only, so the two orders cannot deadlock.
        closing.lock();
        try {
            AutoCloseable resource;
            while ((resource = next()) != null) {
                closeLoudly(resource);
            }
        } finally {
            closing.unlock();
        }
        if (parent != null) {
            parent.disown(this);
        }
        ArenaTrace.closed(this);
    }

    private synchronized AutoCloseable next() {
        closed = true;
        return owned.poll();
    }

    private void closeLoudly(AutoCloseable resource) {
        try {
            resource.close();
        } catch (Exception e) {
            LOG.error("Closing {} in the {} arena failed", resource, name, e);
        }
    }

    private synchronized void disown(DeviceArena child) {
        owned.remove(child);
    }
}
