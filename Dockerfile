# Without TensorFlow, which takes a gigabyte: verifies Keras and ONNX files against recorded predictions (--expected) and
# against each other (--against), and lets ONNX Runtime predict. To let Keras predict, and to read TensorFlow files:
#   docker build --build-arg EXTRAS=onnx,keras -t lstm-verify .
FROM python:3.12-slim

ARG EXTRAS=onnx
COPY pyproject.toml README.md LICENSE /src/
COPY lstm_verify /src/lstm_verify
RUN pip install --no-cache-dir --disable-pip-version-check "/src[$EXTRAS]" \
    && rm -r /src \
    && useradd --create-home verifier

USER verifier
WORKDIR /work
ENTRYPOINT ["lstm-verify"]
