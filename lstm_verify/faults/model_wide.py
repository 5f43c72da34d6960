"""Faults that belong to no single layer: arithmetic, weights that were never loaded, how a model is called."""

from __future__ import annotations

from lstm_verify.faults.interface import Fault, no_edits

PRODUCT_PRECISION = Fault(
    "product_precision",
    no_edits,
    (
        "NVIDIA GPUs multiply float32 in TF32 unless told otherwise: call "
        "tf.config.experimental.enable_tensor_float_32_execution(False), or for PyTorch set "
        "torch.backends.cuda.matmul.allow_tf32 = False. oneDNN and TPUs may use bfloat16: set "
        "ONEDNN_DEFAULT_FPMATH_MODE=STRICT, or the highest precision. Or accept it with --products tf32 or "
        "bfloat16."
    ),
)

DYNAMIC_RANGE = Fault(
    "dynamic_range",
    no_edits,
    "Convert without tf.lite.Optimize.DEFAULT, or with float16 as the supported type.",
)

OTHER_WEIGHTS = Fault(
    "other_weights",
    no_edits,
    "Check which weights were loaded, and whether by name: these are not the layer's.",
)

OTHER_SETTINGS = Fault(
    "other_settings",
    no_edits,
    "Compare what both files say, and how each was written: the weights are not what makes the difference.",
)

DROPOUT_ACTIVE = Fault(
    "dropout_active",
    no_edits,
    "Call the model with training=False, or export it for inference.",
)
