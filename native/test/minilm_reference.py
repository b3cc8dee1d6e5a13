"""Writes what RealEmbeddingIT compares with into a folder: minilm.gguf, a trained model, and reference.json, texts with their vectors.

usage: minilm_reference.py LLAMA_CPP_SOURCE MODEL_FOLDER ONNX_FILE OUTPUT_FOLDER; docs/embeddings.md tells where these come from.

llama.cpp's own converter wants PyTorch, which is 800 MB; this one writes the same keys and tensors for a BERT with its gguf package, in single precision.
The vectors are those of another file of the same weights and another library: ONNX Runtime.
"""
import json
import sys
from pathlib import Path

import numpy
import onnxruntime
from safetensors.numpy import load_file
from tokenizers import Tokenizer

llama_cpp, model, onnx, output = map(Path, sys.argv[1:])
sys.path.insert(0, str(llama_cpp / "gguf-py"))
import gguf  # noqa: E402

TEXTS = [
    "A man is eating food.", "Somebody has a meal.", "The new movie is awesome.", "I really liked that film.",
    "A cheetah is running behind its prey.", "Ein Mann isst Brot; naïve café résumé.", "Berlin is the capital of Germany.",
    "What is the population of Berlin?", "3.14159 + 42 = ?",
    "The quick brown fox jumps over the lazy dog, and then it sleeps under a tree until the sun goes down behind the hills.",
]


def convert():
    config = json.loads((model / "config.json").read_text())
    pooling = json.loads((model / "1_Pooling" / "config.json").read_text())
    tokenizer = json.loads((model / "tokenizer.json").read_text())
    writer = gguf.GGUFWriter(str(output / "minilm.gguf"), "bert")
    writer.add_name("all-MiniLM-L6-v2")
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_layer_norm_eps(config["layer_norm_eps"])
    writer.add_causal_attention(False)
    writer.add_pooling_type(gguf.PoolingType.MEAN if pooling["pooling_mode_mean_tokens"] else gguf.PoolingType.CLS)
    writer.add_token_type_count(config["type_vocab_size"])

    ids = tokenizer["model"]["vocab"]
    special = {token["content"] for token in tokenizer["added_tokens"] if token["special"]}
    tokens = sorted(ids, key=ids.get)
    kinds = [gguf.TokenType.UNKNOWN if token == "[UNK]" else gguf.TokenType.CONTROL if token in special else gguf.TokenType.NORMAL
             for token in tokens]
    # llama.cpp marks the beginning of a word, and not what goes on.
    spelled = [token if token in special else token[2:] if token.startswith("##") and len(token) > 2 else "\u2581" + token for token in tokens]
    writer.add_tokenizer_model("bert")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(spelled)
    writer.add_token_types(kinds)
    writer.add_bos_token_id(ids["[CLS]"])
    writer.add_sep_token_id(ids["[SEP]"])
    writer.add_unk_token_id(ids["[UNK]"])
    writer.add_pad_token_id(ids["[PAD]"])
    writer.add_mask_token_id(ids["[MASK]"])

    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.BERT, config["num_hidden_layers"])
    for name, tensor in load_file(model / "model.safetensors").items():
        if not name.endswith("position_ids") and not name.startswith("pooler"):
            writer.add_tensor(names.get_name(name, try_suffixes=(".weight", ".bias")), tensor.astype(numpy.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def reference():
    tokenizer = Tokenizer.from_file(str(model / "tokenizer.json"))
    tokenizer.no_padding()
    session = onnxruntime.InferenceSession(str(onnx))
    vectors = []
    for text in TEXTS:
        ids = tokenizer.encode(text).ids
        states = session.run(None, {
            "input_ids": numpy.array([ids]), "attention_mask": numpy.ones((1, len(ids)), numpy.int64),
            "token_type_ids": numpy.zeros((1, len(ids)), numpy.int64)})[0][0]
        vector = states.mean(axis=0)
        vectors.append((vector / numpy.linalg.norm(vector)).tolist())
    (output / "reference.json").write_text(json.dumps({"texts": TEXTS, "vectors": vectors}))


output.mkdir(parents=True, exist_ok=True)
convert()
reference()
