extension WebPage {
    /// Keeps one stream playing close to its newest frame, over connections that end.
    static let playerScript = #"""
        const firstWait = 1000, longestWait = 10000, silence = 20000, tickEvery = 100;
        // Seconds behind the newest frame received: where a stream begins, what a stall adds and calm takes away again.
        const least = { live: 0.12, hls: 0.5 }, most = 2, stallAdds = 0.06, calmTakes = 0.01;
        const seekBeyond = 3, settleAfter = 10;

        class Player {
          // `onChange(state, words)` and `onNote(words)`.
          constructor(video, onChange, onNote) {
            Object.assign(this, { video, onChange, onNote, turn: 0, state: 'idle', delay: null, stalls: 0 });
            video.addEventListener('playing', () => this.playing());
            video.addEventListener('waiting', () => {
              if (this.state !== 'playing' || video.seeking || !this.pipeline?.isSettled) return;
              this.stalls++;
              this.margin = Math.min(most, this.margin + stallAdds);
              this.set('waiting', 'Waiting for data');
            });
            video.addEventListener('canplay', () => this.start());
            setInterval(() => this.tick(), tickEvery);
          }

          set(state, words) { this.state = state; this.onChange(state, words); }
          get latency() { return this.pipeline?.latency ?? null; }
          has(kind) { return Boolean(this.pipeline?.has(kind)); }

          stop() {
            this.turn++;
            this.abort?.abort();
            this.pipeline = null;
            this.delay = null;
            this.video.playbackRate = 1;
            this.video.removeAttribute('src');
            this.video.load();
            this.onNote('');
            this.set('idle', '');
          }

          // `way`: 'socket', 'fetch' or 'hls'.
          async watch(url, way) {
            this.stop();
            if (!MSE) { this.set('unsupported', 'Unsupported: this browser lacks Media Source Extensions'); return; }
            const turn = this.turn;
            this.margin = way === 'hls' ? least.hls : least.live;
            this.floor = this.margin;
            let wait = firstWait, only = null;
            this.set('waiting', 'Waiting for the stream');
            while (turn === this.turn) {
              const outcome = await this.connect(url, way, only, turn);
              if (turn !== this.turn || this.state === 'unsupported') return;
              if (outcome.only && !only && way !== 'hls') { only = outcome.only; continue; }
              if (outcome.played) wait = firstWait;
              if (outcome.played) this.set('ended', 'Ended, waiting for it to return');
              else this.set('waiting', 'Waiting for the stream');
              await new Promise((resolve) => setTimeout(resolve, wait));
              wait = Math.min(wait * 2, longestWait);
            }
          }

          // One connection, from its first byte to its end: whether it showed anything, and which kind of track there
          // is to ask for alone.
          async connect(url, way, only, turn) {
            const abort = this.abort = new AbortController(), outcome = { played: false, only: null };
            let watchdog;
            const giveUp = (words) => {
              if (turn === this.turn) this.set('unsupported', words);
            };
            const pipeline = new Pipeline(this.video, (kind, refused, all) => {
              abort.abort();
              if (kind !== 'unsupported' || turn !== this.turn) return;
              const names = refused.map(({ label, codec }) => `${label} (${codec})`).join(' and ');
              outcome.only = all.find((track) => !refused.includes(track))?.kind;
              if (outcome.only && way !== 'hls') this.note = `This browser cannot play ${names}.`;
              else giveUp(`Unsupported: this browser cannot play ${names}`);
            });
            const receive = (bytes, about) => {
              if (turn !== this.turn) return;
              clearTimeout(watchdog);
              watchdog = setTimeout(() => abort.abort(), silence);
              pipeline.push(bytes, about);
              if (pipeline.source) this.pipeline = pipeline;
              outcome.played ||= Boolean(pipeline.sink);
            };
            if (!only) this.note = '';
            this.onNote(this.note);
            const address = only ? url + (url.includes('?') ? '&' : '?') + 'only=' + only : url;
            try {
              await { socket: readSocket, fetch: readFetch, hls: readHLS }[way](address, abort.signal, receive);
            } catch (error) {
              if (error.fatal) giveUp(error.words);
              else if (!abort.signal.aborted && error.words) this.onNote(error.words);
            }
            clearTimeout(watchdog);
            abort.abort();
            return outcome;
          }

          async start() {
            if (!this.video.paused || this.pausedByHand) return;
            try { await this.video.play(); } catch (error) {
              if (error.name !== 'NotAllowedError' || this.video.muted) return;
              this.video.muted = true;
              this.video.play().catch(() => {});
            }
          }

          playing() {
            if (!this.pipeline) return;
            const sound = this.has('audio'), picture = this.has('video');
            this.set('playing', picture ? (sound ? 'Playing' : 'Playing, no sound') : 'Playing, sound only');
          }

          measure() {
            const { buffered } = this.video;
            const end = buffered.length ? buffered.end(buffered.length - 1) : null;
            this.delay = end === null ? null : Math.max(0, end - this.video.currentTime);
          }

          tick() {
            if (!this.pipeline) return;
            const { video } = this;
            this.measure();
            this.pipeline.trim();
            if (this.delay === null || video.seeking) return;
            this.begin();
            if (video.paused) return;
            this.margin = Math.max(this.floor, this.margin - calmTakes * tickEvery / 1000);
            if (this.delay > this.margin + (this.settles() ? 0.1 : seekBeyond)) {
              video.currentTime += this.delay - this.margin;
            } else this.skipGap();
            // Between the two bounds the rate stays as it is, so that it does not change with every frame.
            if (this.delay > this.margin + 0.06) video.playbackRate = this.delay > this.margin + 0.12 ? 1.15 : 1.08;
            else if (this.delay < this.margin) video.playbackRate = 1;
          }

          // A stream's times do not begin at 0, and what is before its newest frames is not worth showing.
          begin() {
            if (this.pipeline.begun) return;
            const { buffered } = this.video, first = buffered.start(0), last = buffered.end(buffered.length - 1);
            this.pipeline.begun = true;
            this.video.currentTime = Math.max(first, last - this.margin);
            this.measure();
          }

          // Once, when what was there already has come and the decoder runs: starting took time that is made up at once.
          settles() {
            if (this.pipeline.isSettled) return false;
            this.pipeline.ticks = (this.pipeline.ticks || 0) + 1;
            this.pipeline.isSettled = this.pipeline.ticks >= settleAfter;
            return this.pipeline.isSettled;
          }

          // A hole in the buffer would hold the picture for ever.
          skipGap() {
            const { buffered, currentTime, readyState } = this.video;
            if (readyState > 2) return;
            for (let i = 0; i < buffered.length; i++) {
              if (buffered.start(i) <= currentTime + 0.01) continue;
              this.video.currentTime = buffered.start(i) + 0.01;
              return;
            }
          }
        }
        """#
}
