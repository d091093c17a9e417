# make demo   installs, indexes sample_videos/, asks three sentences
# make check  lint, types, contracts and the tests that need no server, browser, camera or kill: while you work
# make test   installs what the tests need, then lints, type-checks and runs all tests (what CI runs)
# make serve  the page over the demo's index
# make train-smoke  trains a small model from nothing for five minutes and checks that it beats chance
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PAGE := api/web/static
PAGE_TOOLS := tests/api/web/static
PAGE_BIN := $(PAGE_TOOLS)/node_modules/.bin
PIP := PYTHONWARNINGS=ignore $(BIN)/pip install -q --disable-pip-version-check
DEMO := xunren-demo
DEMO_RUN := XUNREN_TIMEZONE=Asia/Shanghai $(BIN)/xunren --data-dir $(DEMO)
DEMO_ASK = XUNREN_CASE=$$(cat $(DEMO)/case) XUNREN_REASON="trying it out" $(DEMO_RUN)

.PHONY: demo serve install check test lint types check-floors quick unit dev bench picture train-smoke clean

demo: install
	@echo "== indexing sample_videos/"
	@$(DEMO_RUN) index sample_videos
	@test -s $(DEMO)/case || $(DEMO_RUN) case new "Demo 演示" --sentence "穿粉色卫衣的小女孩" --json \
	| $(BIN)/python -c "import json, sys; print(json.load(sys.stdin)['id'])" > $(DEMO)/case
	@$(BIN)/python -c "import json; [print(d['text']) for d in json.load(open('sample_videos/truth.json'))['demo']]" \
	| while IFS= read -r sentence; do echo; $(DEMO_ASK) search --limit 4 "$$sentence" || exit 1; done
	@echo
	@echo "Ask your own:   $(BIN)/xunren --data-dir $(DEMO) search --case $$(cat $(DEMO)/case) --reason \"trying it out\" \"...\""
	@echo "Open the page:  make serve   and follow the link that it prints"

serve: install
	@$(DEMO_RUN) serve

install: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Xunren needs Python 3.11 or newer; got $$($(PYTHON) -V). Cure: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || sh .ci/need python3-venv
	$(PYTHON) -m venv $(VENV)
	$(PIP) -e .
	@touch $@

dev: $(VENV)/.dev .venv-milvus/.installed
	@command -v chromium >/dev/null || sh .ci/need chromium fonts-noto-cjk
	@command -v openssl >/dev/null || sh .ci/need openssl
	@ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null || sh .ci/need postgresql
	@/usr/bin/python3 -c 'import gi; gi.require_version("GstRtspServer", "1.0")' 2>/dev/null \
	|| sh .ci/need gir1.2-gst-rtsp-server-1.0 python3-gi

$(VENV)/.dev: $(VENV)/.installed
	$(PIP) -e '.[dev]'
	@touch $@

# A real Milvus server for the store's contract tests; its old pins need an environment of its own.
.venv-milvus/.installed:
	$(PYTHON) -m venv .venv-milvus
	.venv-milvus/bin/pip install -q --disable-pip-version-check milvus==2.3.5
	@touch $@

check: $(VENV)/.dev lint types check-floors quick

test: dev lint types check-floors unit

lint: $(PAGE_TOOLS)/node_modules/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(PAGE_BIN)/prettier --config $(PAGE_TOOLS)/.prettierrc.json --check --log-level warn "$(PAGE)/**/*.{js,css,html}" "$(PAGE_TOOLS)/*.{js,json}"
	$(PAGE_BIN)/eslint --config $(PAGE_TOOLS)/eslint.config.js --max-warnings 0 $(PAGE)
	$(PAGE_BIN)/tsc -p $(PAGE_TOOLS)/tsconfig.json

# The page's linter, formatter and type checker: for development only, never shipped.
$(PAGE_TOOLS)/node_modules/.installed: $(PAGE_TOOLS)/package.json
	@command -v npm >/dev/null || sh .ci/need nodejs npm
	@node -e 'const [major, minor] = process.versions.node.split(".").map(Number); process.exit(Number(major < 18 || (major === 18 && minor < 18)))' \
	|| { echo "make lint needs Node.js 18.18 or newer; got $$(node -v). Cure: install it from your system's packages or from Node.js"; exit 1; }
	npm install --prefix $(PAGE_TOOLS) --silent
	@touch $@

types:
	$(BIN)/mypy

check-floors:
	$(BIN)/lint-imports

# tests/conftest.py marks what it leaves out, by the fixtures that a test uses.
quick:
	HF_HUB_OFFLINE=1 $(BIN)/pytest -q -n 2 --dist loadfile --no-loadscope-reorder -m "not server" --durations=10

# Three workers on two cores: many tests wait for cameras and servers.
unit:
	HF_HUB_OFFLINE=1 $(BIN)/pytest -n 3 --dist loadfile --no-loadscope-reorder

# The README's pictures; the first needs `XUNREN_ACCOUNTS=false XUNREN_REQUIRE_CASE=false make serve` beside it.
picture: dev
	$(BIN)/python -m tests.support.picture http://127.0.0.1:8000 docs/images
	PICTURES_TO=docs/images HF_HUB_OFFLINE=1 $(BIN)/pytest -q tests/live/test_story.py

bench: dev
	$(BIN)/python -m benchmarks.run

# The product does not need what this installs.
train-smoke: install
	$(PIP) -e '.[training]'
	HF_HUB_OFFLINE=1 $(BIN)/python -m training.smoke

clean:
	rm -rf $(DEMO) .mypy_cache .ruff_cache .pytest_cache .hypothesis
