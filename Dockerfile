# Without TensorFlow, which takes a gigabyte: verifies Keras and ONNX files against recorded predictions (--expected) and
# against each other (--against), and lets ONNX Runtime predict. To let Keras predict, and to read TensorFlow files:
#   docker build --build-arg FRAMEWORKS="tensorflow>=2.16 tf-keras>=2.16" -t lstm-verify .
FROM python:3.12-slim

ARG FRAMEWORKS=""
COPY pyproject.toml README.md LICENSE /src/
COPY lstm_verify /src/lstm_verify
RUN set -f \
    && pip install --no-cache-dir --disable-pip-version-check \
        "click>=8.1" "h5py>=3.10" "numpy>=2.0" "rich>=13.7" "threadpoolctl>=3.2" "onnx>=1.16" "onnxruntime>=1.18" \
        $FRAMEWORKS \
    && pip install --no-cache-dir --disable-pip-version-check --no-deps /src \
    && rm -r /src \
    && useradd --create-home verifier

USER verifier
WORKDIR /work
ENTRYPOINT ["lstm-verify"]
