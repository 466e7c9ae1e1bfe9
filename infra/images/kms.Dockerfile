# A KMS to try things out with: it asks nobody who they are. Where keys matter, leave KMS_ENDPOINT out and use AWS KMS.
FROM python:3.11-slim-bookworm
COPY infra/services/kms/requirements.txt /kms/
RUN pip install --no-cache-dir --disable-pip-version-check --no-deps --only-binary :all: -r /kms/requirements.txt \
  && python -m compileall -q /usr/local/lib/python3.11/site-packages || true
COPY infra/services/kms/server.py /kms/
RUN useradd --uid 1000 --create-home kms && mkdir -m 0700 /var/kms && chown kms:kms /var/kms
ENV DISABLE_EVENTS=1 SKIP_SSL_CERT_DOWNLOAD=1 PYTHONDONTWRITEBYTECODE=1 MALLOC_ARENA_MAX=2 HOME=/tmp
USER kms
EXPOSE 4566
CMD ["python", "/kms/server.py", "4566", "/var/kms/state", "0.0.0.0"]
