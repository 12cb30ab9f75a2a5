namespace Dbos.Fluent.Storage;

/// <summary>How a kind of store is best driven.</summary>
/// <param name="Lanes">Commit batches that may be under way at once: several connections of a server, the one writer of a file.</param>
/// <param name="PushesSignals">
/// True if other processes' changes are announced (LISTEN/NOTIFY); false if they are noticed by polling.
/// </param>
/// <param name="PollInterval">The covering poll of every wait, unless the user set one.</param>
internal sealed record StoreCapabilities(int Lanes, bool PushesSignals, TimeSpan PollInterval);
