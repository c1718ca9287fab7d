"""`hf:` targets: config and model classes, directories, ids on the Hub, and the inputs guessed for them."""

from __future__ import annotations

import json

import pytest
import torch

from inspector.engine.loading.hf import classes as hf_classes
from inspector.engine.loading.hf import saved as hf_files
from inspector.errors import TargetError

from .opening import loaded, pairs, passed, refused

transformers = pytest.importorskip("transformers", reason="transformers is not installed")

BERT = "hidden_size=32 intermediate_size=64 num_hidden_layers=2 num_attention_heads=4 vocab_size=99"
TINY = {
    "BertConfig": BERT,
    "BertForTokenClassification": BERT + " num_labels=3",
    "GPT2Config": "n_embd=32 n_layer=2 n_head=4 vocab_size=99",
    "LayoutLMConfig": BERT,
    "T5Config": "vocab_size=200 d_model=64 d_kv=16 d_ff=128 num_layers=2 num_heads=4",
    "ViTConfig": "hidden_size=32 intermediate_size=64 num_hidden_layers=2 num_attention_heads=4 image_size=64",
    "ResNetConfig": "embedding_size=8 hidden_sizes=[8,8] depths=[1,1]",
    "VideoMAEConfig": "hidden_size=32 intermediate_size=64 num_hidden_layers=1 num_attention_heads=4 image_size=32 "
    "num_frames=4",
    "WhisperConfig": "d_model=32 encoder_layers=1 decoder_layers=1 encoder_attention_heads=4 decoder_attention_heads=4 "
    "max_source_positions=50 num_mel_bins=16",
    "Wav2Vec2Config": "hidden_size=32 intermediate_size=64 num_hidden_layers=1 num_attention_heads=4",
    "ASTConfig": "hidden_size=32 intermediate_size=64 num_hidden_layers=1 num_attention_heads=4 max_length=100",
    "CLIPConfig": "text_config.hidden_size=32 text_config.num_hidden_layers=1 text_config.num_attention_heads=4 "
    "vision_config.hidden_size=32 vision_config.num_hidden_layers=1 vision_config.num_attention_heads=4 "
    "vision_config.image_size=64",
    "TimeSeriesTransformerConfig": "prediction_length=4 context_length=8 d_model=16 lags_sequence=[1,2]",
    "DecisionTransformerConfig": "hidden_size=32 n_layer=1 n_head=4",
    "JambaConfig": "hidden_size=32 intermediate_size=64 num_hidden_layers=2 num_attention_heads=4 "
    "num_key_value_heads=2 vocab_size=99 num_experts=2",
}  # fmt: skip
INPUTS = {
    "BertConfig": "input_ids=1×16 int64, attention_mask=1×16 int64",
    "LayoutLMConfig": "input_ids=1×16 int64, bbox=1×16×4 int64, attention_mask=1×16 int64",
    "T5Config": "input_ids=1×16 int64, attention_mask=1×16 int64, decoder_input_ids=1×16 int64",
    "ViTConfig": "pixel_values=1×3×64×64 float32",
    "ResNetConfig": "pixel_values=1×3×224×224 float32",
    "VideoMAEConfig": "pixel_values=1×4×3×32×32 float32",
    "WhisperConfig": "input_features=1×16×100 float32, decoder_input_ids=1×16 int64",
    "Wav2Vec2Config": "input_values=1×16000 float32",
    "ASTConfig": "input_values=1×100×128 float32",
    "CLIPConfig": "input_ids=1×16 int64, pixel_values=1×3×64×64 float32, attention_mask=1×16 int64",
    "JambaConfig": "input_ids=1×16 int64, attention_mask=1×16 int64, use_cache=False",
}


@pytest.fixture(autouse=True)
def nothing_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hf_files, "reachable", lambda: False)


@pytest.fixture
def needy(monkeypatch):
    def init(self, config):
        raise ImportError("\nSomeModel requires the scipy library but it was not found in your environment. You can\n")

    monkeypatch.setattr(transformers.BertForMaskedLM, "__init__", init)


def test_a_package_that_a_class_needs_is_named_in_a_line(needy):
    said = refused("hf:BertForMaskedLM", *pairs(BERT)).split("\n")
    assert said == ["hf:BertForMaskedLM needs scipy", "", "pip install scipy"]


def test_where_a_head_cannot_be_built_the_next_one_is_and_that_is_said(needy):
    found = loaded("hf:BertConfig", *pairs(BERT))
    assert type(found.model).__name__ == "BertLMHeadModel"
    assert found.notes[1] == "not BertForMaskedLM: hf:BertConfig needs scipy"


@pytest.mark.parametrize("name", TINY)
def test_a_class_opens_with_random_weights_and_an_input_that_runs(name):
    session = passed(f"hf:{name}", *pairs(TINY[name]))
    assert session.subject.info.kind == "transformers" and "with random weights" in session.subject.info.notes[0]
    assert session.subject.sample.origin == "guessed" and session.subject.sample.text.startswith(INPUTS.get(name, ""))


def test_t5_has_the_modules_and_calls_that_it_is_known_to_have():
    session = passed("hf:T5Config", *pairs(TINY["T5Config"]))
    assert session.subject.info.modules - 1 == 102
    assert session.summary.calls - 1 == 97


def test_weights_and_input_depend_on_the_seed_alone():
    first, again = (passed("hf:BertConfig", *pairs(BERT)) for _ in range(2))
    assert torch.equal(first.subject.sample.kwargs["input_ids"], again.subject.sample.kwargs["input_ids"])
    weights = first.subject.tree.root.state_dict()
    assert all(torch.equal(weights[name], value) for name, value in again.subject.tree.root.state_dict().items())
    torch.manual_seed(0)
    own = transformers.BertForMaskedLM(transformers.BertConfig(**{k: int(v) for k, v in pairs(BERT)})).state_dict()
    assert all(torch.equal(weights[name], value) for name, value in own.items())


def test_the_first_sensible_class_is_built_and_another_can_be_named():
    assert type(loaded("hf:BertConfig", *pairs(BERT)).model).__name__ == "BertForMaskedLM"
    assert type(loaded("hf:GPT2Config", *pairs(TINY["GPT2Config"])).model).__name__ == "GPT2LMHeadModel"
    assert type(loaded("hf:BertModel", *pairs(BERT)).model).__name__ == "BertModel"
    named = loaded("hf:BertConfig", *pairs(BERT), ("architectures", "['BertForNextSentencePrediction']"))
    assert type(named.model).__name__ == "BertForNextSentencePrediction"


def test_ids_are_in_the_vocabulary_and_no_special_tokens():
    ids = passed("hf:T5Config", *pairs(TINY["T5Config"])).subject.sample.kwargs["input_ids"]
    assert ids.min() >= 2 and ids.max() < 200  # 0 and 1 are padding and end


def test_a_prompt_gets_a_placeholder_for_every_feature_of_its_image():
    text = "hidden_size=32 intermediate_size=64 num_hidden_layers=1 num_attention_heads=4 num_key_value_heads=4"
    vision = "hidden_size=32 intermediate_size=64 num_hidden_layers=2 num_attention_heads=4 image_size=56 patch_size=14"
    arguments = [
        *((f"text_config.{key}", value) for key, value in pairs(text)),
        *((f"vision_config.{key}", value) for key, value in pairs(vision)),
        ("text_config.vocab_size", "99"),
        ("image_token_index", "98"),
    ]
    session = passed("hf:LlavaConfig", *arguments)
    assert session.subject.sample.kwargs["pixel_values"].shape == (1, 3, 56, 56)
    assert session.subject.sample.kwargs["input_ids"].tolist() == [[98] * 16]  # (56 / 14) squared


def test_an_image_in_rows_of_patches_comes_with_its_grid_and_its_tokens():
    text = "hidden_size=128 intermediate_size=64 num_hidden_layers=1 num_attention_heads=1 num_key_value_heads=1"
    vision = "depth=1 embed_dim=32 num_heads=2 hidden_size=128"
    rope = "{'rope_type': 'default', 'rope_theta': 10000.0, 'mrope_section': [16, 24, 24]}"
    arguments = [
        *((f"text_config.{key}", value) for key, value in pairs(f"{text} vocab_size=99")),
        *((f"vision_config.{key}", value) for key, value in pairs(vision)),
        ("text_config.rope_parameters", rope),  # transformers 5.15 has no sections unless they are given
        ("image_token_id", "98"),
    ]
    given = passed("hf:Qwen2VLConfig", *arguments).subject.sample.kwargs
    assert given["pixel_values"].shape == (64, 3 * 2 * 14 * 14) and given["image_grid_thw"].tolist() == [[4, 4, 4]]
    assert given["input_ids"].tolist() == [[98] * 16]  # patches are merged by fours


def test_what_is_not_there_names_what_is_near():
    assert "hf:LlamaConfig" in refused("hf:LamaConfig")
    slip = refused("hf:BertConfig", ("num_hiden_layers", "2"))
    assert "no argument 'num_hiden_layers'" in slip and "num_hidden_layers" in slip
    assert "text_config.hidden_size=32" in refused("hf:CLIPConfig", ("hidden_size", "32"))
    nested = refused("hf:CLIPConfig", ("text_config.hiden_size", "32"))
    assert "hidden_size" in nested and "text_config" in nested
    assert "lacks a name" in refused("hf:")
    assert "neither a directory" in refused("hf:./nowhere")


def test_a_part_of_a_config_keeps_its_type_when_some_of_it_is_given():
    found = loaded("hf:DepthAnythingConfig", ("backbone_config.num_hidden_layers", "4"))
    assert found.model.config.backbone_config.model_type == "dinov2"
    assert len(found.model.backbone.encoder.layer) == 4


def test_values_that_do_not_fit_together_are_told_in_a_line():
    said = refused("hf:LlamaConfig", ("hidden_size", "64"), ("num_attention_heads", "3"))
    assert "not a multiple of the number of attention heads" in said.partition("\n")[0]


def test_code_that_comes_with_a_config_is_not_run():
    assert "is not run" in refused("hf:BertConfig", ("trust_remote_code", "True"))


def test_a_model_that_would_not_fit_into_memory_is_not_begun(monkeypatch):
    monkeypatch.setattr(hf_classes, "_free_memory", lambda: 10_000)
    said = refused("hf:BertConfig", *pairs(BERT))
    assert "GiB of memory are free" in said and "-d meta" in said
    assert loaded("hf:BertConfig", *pairs(BERT), device="meta").model.device.type == "meta"


def test_a_class_has_no_weights_of_its_own():
    assert "has no weights of its own" in refused("hf:BertConfig", weights="DEFAULT")


@pytest.fixture
def saved(tmp_path):
    torch.manual_seed(7)
    config = transformers.BertConfig(**{key: int(value) for key, value in pairs(BERT)})
    model = transformers.BertForSequenceClassification(config)
    model.save_pretrained(tmp_path)
    return tmp_path, model


def test_a_directory_opens_as_what_was_saved(saved):
    folder, model = saved
    session = passed(f"hf:{folder}")
    found = session.subject.tree.root.state_dict()
    assert type(session.subject.tree.root) is type(model) and "with its own weights" in session.subject.info.notes[0]
    assert all(torch.equal(found[name], value) for name, value in model.state_dict().items())
    assert type(loaded(f"hf:{folder}/config.json").model) is type(model)


def test_a_directory_without_weights_is_random_and_says_so(saved):
    folder, _ = saved
    (folder / "model.safetensors").unlink()
    found = loaded(f"hf:{folder}")
    assert "with random weights: there are none in the directory" in found.notes[0]
    assert "there are no weights" in refused(f"hf:{folder}", weights="DEFAULT")


def test_weights_can_be_left_out_or_come_from_elsewhere(saved, tmp_path):
    folder, model = saved
    none = loaded(f"hf:{folder}", weights="none").model.classifier.weight
    assert not torch.equal(none, model.classifier.weight)
    torch.save({name: value * 0 for name, value in model.state_dict().items()}, tmp_path / "zeros.pt")
    assert not loaded(f"hf:{folder}", weights=str(tmp_path / "zeros.pt")).model.classifier.weight.any()


def test_arguments_take_the_place_of_what_the_config_says(saved):
    folder, _ = saved
    found = loaded(f"hf:{folder}", ("num_hidden_layers", "1"))
    assert len(found.model.bert.encoder.layer) == 1 and "not used" in found.notes[1]
    with pytest.raises(TargetError, match="could not be loaded") as caught:
        loaded(f"hf:{folder}", ("hidden_size", "64"))
    assert "-w none" in caught.value.problem.hint


def test_directories_that_cannot_be_opened_say_what_they_are(tmp_path):
    assert "there is no config.json" in refused(f"hf:{tmp_path}")
    (tmp_path / "hubconf.py").write_text("")
    assert f"inspector hub:{tmp_path}" in refused(f"hf:{tmp_path}")
    config = {"model_type": "of_my_own", "auto_map": {"AutoModel": "modeling_mine.Mine"}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "modeling_mine.py").write_text("raise SystemExit('was run')")
    assert f"inspector {tmp_path}/modeling_mine.py" in refused(f"hf:{tmp_path}")
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "brt"}))
    assert "close to bert" in refused(f"hf:{tmp_path}")
    (tmp_path / "config.json").write_text(json.dumps({"hidden_size": 3}))
    assert "names no model_type" in refused(f"hf:{tmp_path}")


def test_an_id_that_cannot_be_fetched_is_one_clear_error():
    said = refused("hf:some-org/some-model@v1").split("\n")
    assert "was not downloaded before, and huggingface.co cannot be reached" in said[0]
    assert "hf download some-org/some-model --local-dir some-model; then: inspector hf:some-model" in said[-1]
    assert "inspector hf:GPT2Config" in refused("hf:gpt2")


def test_an_id_is_downloaded_at_its_revision(saved, monkeypatch):
    """The client's own functions are replaced by ones that read the directory."""
    folder, model = saved
    asked = []
    config_dict = transformers.PreTrainedConfig.get_config_dict

    def read_config(name, **options):
        asked.append((name, options["revision"]))
        return config_dict(str(folder))

    def fill(name, **options):
        asked.append((name, options["revision"], options["trust_remote_code"]))
        return model, {"missing_keys": {"classifier.weight"}}

    monkeypatch.setattr(hf_files, "reachable", lambda: True)
    monkeypatch.setattr(transformers.PreTrainedConfig, "get_config_dict", read_config)
    monkeypatch.setattr(transformers.BertForSequenceClassification, "from_pretrained", fill)
    found = loaded("hf:org/name@v2")
    assert asked == [("org/name", "v2"), ("org/name", "v2", False)] and found.model is model
    assert "1 tensors are not in the files and random: classifier.weight" in found.notes[1]


def test_a_file_that_builds_such_a_model_gets_the_same_input(tmp_path):
    (tmp_path / "built_here.py").write_text(
        "from transformers import BertConfig, BertModel\n\ndef build():\n"
        f"    return BertModel(BertConfig({', '.join(BERT.split())}))\n"
    )
    session = passed(f"{tmp_path}/built_here.py:build")
    assert session.subject.sample.text == INPUTS["BertConfig"]


GQA = f"{BERT} num_key_value_heads=2"
SHRUNK = {
    **dict.fromkeys(
        ["RobertaConfig", "ElectraConfig", "DebertaV2Config", "MPNetConfig", "ErnieConfig", "RoFormerConfig"], BERT
    ),
    **dict.fromkeys(["BigBirdConfig", "LongformerConfig", "MegatronBertConfig"], BERT),
    **dict.fromkeys(["LlamaConfig", "MistralConfig", "Qwen2Config", "GemmaConfig", "Qwen3Config"], GQA),
    "OPTConfig": "hidden_size=32 ffn_dim=64 num_hidden_layers=1 num_attention_heads=4 word_embed_proj_dim=32",
    "MambaConfig": "hidden_size=32 num_hidden_layers=2 vocab_size=99",
    "BloomConfig": "hidden_size=32 n_layer=1 n_head=4",
    "BartConfig": "d_model=32 encoder_layers=1 decoder_layers=1 encoder_ffn_dim=64 decoder_ffn_dim=64",
    "SwinConfig": "embed_dim=24 depths=[1,1] num_heads=[2,4]",
    "ConvNextConfig": "hidden_sizes=[8,8,8,8] depths=[1,1,1,1]",
    "TimesformerConfig": "hidden_size=32 num_hidden_layers=1 num_attention_heads=4 intermediate_size=64 image_size=32",
    "SegformerConfig": "hidden_sizes=[32,32,32,32] depths=[1,1,1,1] decoder_hidden_size=16",
    "Siglip2VisionConfig": "num_hidden_layers=1",
    "HubertConfig": TINY["Wav2Vec2Config"],
    "MusicgenConfig": "decoder.num_hidden_layers=1 decoder.hidden_size=32 decoder.num_attention_heads=4 "
    "text_encoder.num_layers=1",
    "PatchTSTConfig": "context_length=32 d_model=16",
}


@pytest.mark.slow
@pytest.mark.parametrize("name", SHRUNK)
def test_other_families_open_and_run(name):
    assert passed(f"hf:{name}", *pairs(SHRUNK[name])).summary.calls > 5
