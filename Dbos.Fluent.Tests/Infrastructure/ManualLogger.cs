using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Dbos.Fluent.Tests.Infrastructure;

/// <summary>Keeps what is logged, for tests that must see a warning, and for the message of a failing one.</summary>
public sealed class ManualLogger : ILoggerFactory, ILogger
{
    private readonly ConcurrentQueue<(LogLevel Level, int Id, string Text)> entries = new();

    /// <summary>Everything logged so far.</summary>
    public IReadOnlyCollection<(LogLevel Level, int Id, string Text)> Entries => entries;

    /// <summary>True if an event with this id was logged.</summary>
    public bool Has(int eventId) => entries.Any(entry => entry.Id == eventId);

    /// <inheritdoc/>
    public ILogger CreateLogger(string categoryName) => this;

    /// <inheritdoc/>
    public void AddProvider(ILoggerProvider provider)
    {
    }

    /// <inheritdoc/>
    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    /// <inheritdoc/>
    public bool IsEnabled(LogLevel logLevel) => true;

    /// <inheritdoc/>
    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        entries.Enqueue((logLevel, eventId.Id, formatter(state, exception) + (exception is null ? "" : $" | {exception}")));

    /// <inheritdoc/>
    public void Dispose()
    {
    }
}
