"""The zoo of ONNX files: operators, exports, structures, quantised files and faults."""
