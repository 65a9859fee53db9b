extension WebPage {
    /// Keeps one stream playing close to its newest frame, over connections that end.
    static let playerScript = #"""
        const catchUpBeyond = 1, caughtUpWithin = 0.6, seekBeyond = 4, seekTo = 0.5;
        const firstWait = 1000, longestWait = 10000, silence = 20000, tickEvery = 250;

        class Player {
          // `onChange(state, words)` and `onNote(words)`.
          constructor(video, onChange, onNote) {
            Object.assign(this, { video, onChange, onNote, turn: 0, state: 'idle', delay: null });
            video.addEventListener('playing', () => this.playing());
            video.addEventListener('waiting', () => {
              if (this.state === 'playing') this.set('waiting', 'Waiting for data');
            });
            video.addEventListener('canplay', () => this.start());
            setInterval(() => this.tick(), tickEvery);
          }

          set(state, words) { this.state = state; this.onChange(state, words); }

          stop() {
            this.turn++;
            this.abort?.abort();
            this.pipeline = null;
            this.delay = null;
            this.video.removeAttribute('src');
            this.video.load();
            this.onNote('');
            this.set('idle', '');
          }

          async watch(url, overWebSocket) {
            this.stop();
            if (!MSE) { this.set('unsupported', 'Unsupported: this browser lacks Media Source Extensions'); return; }
            const turn = this.turn;
            let wait = firstWait;
            this.set('waiting', 'Waiting for the stream');
            while (turn === this.turn) {
              const played = await this.connect(url, overWebSocket, turn);
              if (turn !== this.turn || this.state === 'unsupported') return;
              if (played) wait = firstWait;
              if (played) this.set('ended', 'Ended, waiting for it to return');
              else this.set('waiting', 'Waiting for the stream');
              await new Promise((resolve) => setTimeout(resolve, wait));
              wait = Math.min(wait * 2, longestWait);
            }
          }

          // One connection, from its first byte to its end; returns whether it showed anything.
          async connect(url, overWebSocket, turn) {
            const abort = this.abort = new AbortController();
            const unsupported = [];
            let played = false, fatal = false, watchdog;
            const pipeline = new Pipeline(this.video, (kind, words) => {
              if (kind === 'unsupported') unsupported.push(words);
              if (unsupported.length) this.onNote(`This browser cannot play ${unsupported.join(' and ')}.`);
              fatal ||= kind === 'fatal';
              if (kind !== 'unsupported') abort.abort();
            });
            const receive = (bytes) => {
              if (turn !== this.turn) return;
              clearTimeout(watchdog);
              watchdog = setTimeout(() => abort.abort(), silence);
              pipeline.push(bytes);
              if (pipeline.source) this.pipeline = pipeline;
              played ||= Object.keys(pipeline.sinks).length > 0;
            };
            this.onNote('');
            try {
              await (overWebSocket ? readSocket : readFetch)(url, abort.signal, receive);
            } catch (error) {
              if (!abort.signal.aborted && error.words) this.onNote(error.words);
            }
            clearTimeout(watchdog);
            abort.abort();
            if (fatal && turn === this.turn) {
              this.set('unsupported', `Unsupported: this browser cannot play ${unsupported.join(' and ')}`);
              this.onNote('');
            }
            return played;
          }

          async start() {
            // Nothing has been shown yet: begin at the newest frame instead of the last keyframe.
            if (this.pipeline && !this.pipeline.begun) {
              this.pipeline.begun = true;
              this.measure();
              if (this.delay > catchUpBeyond) this.video.currentTime += this.delay - seekTo;
            }
            if (!this.video.paused || this.pausedByHand) return;
            try { await this.video.play(); } catch (error) {
              if (error.name !== 'NotAllowedError' || this.video.muted) return;
              this.video.muted = true;
              this.video.play().catch(() => {});
            }
          }

          playing() {
            if (!this.pipeline) return;
            const { audio, video } = this.pipeline.tracks;
            this.set('playing', video ? (audio ? 'Playing' : 'Playing, no sound') : 'Playing, sound only');
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
            if (this.delay === null || video.paused || video.seeking) return;
            if (this.delay > seekBeyond) video.currentTime += this.delay - seekTo;
            else this.skipGap();
            if (this.delay > catchUpBeyond) video.playbackRate = 1.1;
            else if (this.delay < caughtUpWithin) video.playbackRate = 1;
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

        async function readFetch(url, signal, receive) {
          const response = await fetch(url, { signal, cache: 'no-store' });
          if (!response.ok) {
            const refused = [401, 403].includes(response.status);
            throw Object.assign(new Error(), { words: refused && 'The server does not let you watch this stream.' });
          }
          const reader = response.body.getReader();
          for (;;) {
            const { done, value } = await reader.read();
            if (done) return;
            receive(value);
          }
        }

        function readSocket(url, signal, receive) {
          return new Promise((resolve, reject) => {
            const address = new URL(url, location.href);
            address.protocol = address.protocol.replace('http', 'ws');
            const socket = new WebSocket(address);
            socket.binaryType = 'arraybuffer';
            socket.onmessage = (event) => {
              if (typeof event.data === 'string') return;
              try { receive(new Uint8Array(event.data)); } catch (error) { socket.close(); reject(error); }
            };
            socket.onclose = resolve;
            signal.addEventListener('abort', () => { socket.close(); resolve(); });
          });
        }
        """#
}
