/// The page at `GET /`: lists the live streams of `GET /streams.json` and plays one in the browser.
///
/// One document, no other file and no other host: its parts are the constants of this folder, in the order below.
/// Names of streams come from strangers, so its script sets text and attributes only, never markup. Tests read
/// `window.sluice`: `state` is `idle`, `waiting`, `playing`, `ended` or `unsupported`, `delay` the seconds between the
/// picture and the newest frame received, `latency` those since its origin had it (from `prft` or the playlist's dates),
/// either null while unknown, and `stalls` how often data was missing.
public enum WebPage {
    public static let html: [UInt8] = Array(
        """
        <!doctype html>
        <html lang="en">
        <head>
        \(head)
        <style>
        \(style)
        </style>
        </head>
        <body>
        \(markup)
        <script>
        'use strict';
        (() => {
        \(movieScript)
        \(pipelineScript)
        \(sourcesScript)
        \(playerScript)
        \(interfaceScript)
        })();
        </script>
        </body>
        </html>

        """.utf8)
}
