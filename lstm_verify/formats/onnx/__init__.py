"""From ONNX files to models: a reader, a table of operators, and operators that are recurrent layers or loops.

Source: the text of the operators, onnx.ai/onnx/operators, and `onnx/onnx.proto`.
"""
