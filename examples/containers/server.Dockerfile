# The server, with no models in the image: they are in the volume /models, or come at the first start.
#
#   docker build --file examples/containers/server.Dockerfile --tag holotype .
#   docker run --publish 8080:8080 --env HOLOTYPE_API_KEY=... --stop-timeout 40 \
#       --volume ./deployment.yaml:/etc/holotype/deployment.yaml:ro --volume models:/models holotype
#
# Docker kills 10 s after it asked to stop, or after the timeout: longer than drain and stop together (5 + 30 s),
# or requests are cut.

FROM python:3.11-slim
RUN pip install --no-cache-dir "torch>=2.6" --index-url https://download.pytorch.org/whl/cpu
RUN pip install --no-cache-dir "holotype[encoders,server]"
RUN useradd --create-home holotype && mkdir /models && chown holotype /models
USER holotype
ENV HOLOTYPE_CACHE=/models
EXPOSE 8080
HEALTHCHECK CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/health')"]
# As a list, so that SIGTERM reaches the server and not a shell.
CMD ["holotype", "serve", "/etc/holotype/deployment.yaml", "--host", "0.0.0.0", "--port", "8080"]
