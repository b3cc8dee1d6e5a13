package io.llatte.engine;

import java.util.ArrayList;
import java.util.List;

/// How many cells of a KV cache are taken, where sequences share cells with those that they were copied from.
final class KvCells {

    /// Cells in a row that the same sequences hold.
    private static final class Run {
        private int length;
        private int holders = 1;

        private Run(int length) {
            this.length = length;
        }
    }

    private final List<List<Run>> sequences = new ArrayList<>();
    private volatile int used;

    KvCells(int sequenceCount) {
        for (int i = 0; i < sequenceCount; i++) {
            sequences.add(new ArrayList<>());
        }
    }

    int used() {
        return used;
    }

    /// A sequence grew. Allocates nothing where it grew before.
    void grow(int sequence, int tokens) {
        List<Run> runs = sequences.get(sequence);
        Run last = runs.isEmpty() ? null : runs.getLast();
        if (last == null || last.holders > 1) {
            last = new Run(0);
            runs.add(last);
        }
        last.length += tokens;
        used += tokens;
    }

    /// A sequence keeps its first tokens only.
    void cut(int sequence, int length) {
        int kept = splitAt(sequence, length);
        List<Run> runs = sequences.get(sequence);
        while (runs.size() > kept) {
            Run run = runs.removeLast();
            if (--run.holders == 0) {
                used -= run.length;
            }
        }
    }

    /// An empty sequence becomes a copy of another's first tokens, which takes no cells.
    void share(int source, int target, int length) {
        int shared = splitAt(source, length);
        for (Run run : sequences.get(source).subList(0, shared)) {
            run.holders++;
            sequences.get(target).add(run);
        }
    }

    /// Whether another sequence has any of the cells from a position on.
    boolean isShared(int sequence, int from) {
        int end = 0;
        for (Run run : sequences.get(sequence)) {
            end += run.length;
            if (end > from && run.holders > 1) {
                return true;
            }
        }
        return false;
    }

    /// Makes a run end at `length`, for all who hold it; returns how many of the sequence's runs lie before.
    private int splitAt(int sequence, int length) {
        List<Run> runs = sequences.get(sequence);
        int before = 0;
        int index = 0;
        while (index < runs.size() && before + runs.get(index).length <= length) {
            before += runs.get(index++).length;
        }
        if (index == runs.size() || before == length) {
            return index;
        }
        Run head = runs.get(index);
        var tail = new Run(head.length - (length - before));
        tail.holders = head.holders;
        head.length = length - before;
        for (List<Run> others : sequences) {
            int at = others.indexOf(head);
            if (at >= 0) {
                others.add(at + 1, tail);
            }
        }
        return index + 1;
    }
}
