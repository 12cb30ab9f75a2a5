namespace Dbos.Fluent.Storage;

/// <summary>How a kind of store is best driven.</summary>
/// <param name="Lanes">How many commit batches may run at once: several connections of a server, the one writer of a file.</param>
/// <param name="PushesSignals">
/// True if other processes' changes are announced (LISTEN/NOTIFY); false if polling detects them.
/// </param>
/// <param name="PollInterval">The fallback poll of every wait, unless the user set one.</param>
internal sealed record StoreCapabilities(int Lanes, bool PushesSignals, TimeSpan PollInterval);
