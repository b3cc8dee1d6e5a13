package io.llatte.llama;

import io.llatte.internal.ffi.NativeModel;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;

/// How a model is loaded. Immutable; defaults are llama.cpp's.
///
/// @param gpuLayers how many layers go to the GPUs; -1 for all, 0 for none
/// @param splitMode how the model is spread over several GPUs
/// @param loadMode how the file gets into memory
/// @param devices names of the devices to use, from [Llama#devices()]; empty for all, `CPU` alone for no GPU
/// @param tensorSplit the share of each device, in any unit; empty for llama.cpp's choice
/// @param mainGpu which of the devices is used with [SplitMode#NONE]
/// @param vocabularyOnly loads no weights: such a model tokenizes and cannot make a context
/// @param checkTensors verifies every weight while loading, which takes longer
/// @param repack lets weights be rearranged for the CPU's instructions
/// @param mtpLayers loads the layers for multi-token prediction, where the model has them; see [Speculation.Mtp]
public record ModelOptions(int gpuLayers, SplitMode splitMode, LoadMode loadMode, List<String> devices, List<Float> tensorSplit,
                           int mainGpu, boolean vocabularyOnly, boolean checkTensors, boolean repack, boolean mtpLayers) {

    public ModelOptions {
        if (gpuLayers < -1) {
            throw new IllegalArgumentException("gpuLayers must be -1 (all) or more: " + gpuLayers);
        }
        Objects.requireNonNull(splitMode, "splitMode");
        Objects.requireNonNull(loadMode, "loadMode");
        devices = List.copyOf(devices);
        tensorSplit = List.copyOf(tensorSplit);
        if (tensorSplit.stream().anyMatch(share -> !(share >= 0) || share.isInfinite())) {
            throw new IllegalArgumentException("every share of tensorSplit must be finite and not negative: " + tensorSplit);
        }
        if (mainGpu < 0) {
            throw new IllegalArgumentException("mainGpu must not be negative: " + mainGpu);
        }
    }

    public static ModelOptions defaults() {
        return builder().build();
    }

    public static Builder builder() {
        return new Builder();
    }

    /// These options on the CPU alone.
    public static ModelOptions cpuOnly() {
        return builder().gpuLayers(0).devices(List.of("CPU")).build();
    }

    NativeModel.Params toNative() {
        Map<String, Integer> indexes = devices.isEmpty() ? Map.of()
                : Llama.devices().stream().collect(Collectors.toMap(Device::name, Device::index));
        List<Integer> chosen = devices.isEmpty() ? null : devices.stream().filter(name -> !name.equals("CPU")).map(name -> indexOf(name, indexes)).toList();
        float[] split = new float[tensorSplit.size()];
        for (int i = 0; i < split.length; i++) {
            split[i] = tensorSplit.get(i);
        }
        return new NativeModel.Params(gpuLayers, splitMode.code(), loadMode.code(), mainGpu, chosen, split, vocabularyOnly, checkTensors,
                repack, mtpLayers);
    }

    private static int indexOf(String name, Map<String, Integer> indexes) {
        Integer index = indexes.get(name);
        if (index == null) {
            throw new IllegalArgumentException("device " + name + " is not one of " + indexes.keySet());
        }
        return index;
    }

    /// Collects options; see the record's parameters.
    public static final class Builder {

        private int gpuLayers = -1;
        private SplitMode splitMode = SplitMode.LAYER;
        private LoadMode loadMode = LoadMode.AUTO;
        private List<String> devices = List.of();
        private List<Float> tensorSplit = List.of();
        private int mainGpu;
        private boolean vocabularyOnly;
        private boolean checkTensors;
        private boolean repack = true;
        private boolean mtpLayers;

        private Builder() {
        }

        public Builder gpuLayers(int value) {
            gpuLayers = value;
            return this;
        }

        public Builder splitMode(SplitMode value) {
            splitMode = value;
            return this;
        }

        public Builder loadMode(LoadMode value) {
            loadMode = value;
            return this;
        }

        public Builder devices(List<String> value) {
            devices = value;
            return this;
        }

        public Builder tensorSplit(List<Float> value) {
            tensorSplit = value;
            return this;
        }

        public Builder mainGpu(int value) {
            mainGpu = value;
            return this;
        }

        public Builder vocabularyOnly(boolean value) {
            vocabularyOnly = value;
            return this;
        }

        public Builder checkTensors(boolean value) {
            checkTensors = value;
            return this;
        }

        public Builder repack(boolean value) {
            repack = value;
            return this;
        }

        public Builder mtpLayers(boolean value) {
            mtpLayers = value;
            return this;
        }

        public ModelOptions build() {
            return new ModelOptions(gpuLayers, splitMode, loadMode, devices, tensorSplit, mainGpu, vocabularyOnly, checkTensors, repack,
                    mtpLayers);
        }
    }
}
