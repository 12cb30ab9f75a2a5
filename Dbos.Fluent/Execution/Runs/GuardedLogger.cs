using Microsoft.Extensions.Logging;

namespace Dbos.Fluent.Execution;

/// <summary>
/// Logs for the engine, which must not fail when logging does. A provider may throw, and so may the exception that it prints.
/// </summary>
internal sealed class GuardedLogger(ILogger inner) : ILogger
{
    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => inner.BeginScope(state);

    public bool IsEnabled(LogLevel logLevel) => inner.IsEnabled(logLevel);

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        try
        {
            inner.Log(logLevel, eventId, state, exception, formatter);
        }
        catch (Exception failure)
        {
            LogAgain(logLevel, eventId, failure, () => formatter(state, null));
        }
    }

    // Logs again without the exception, which may be unprintable. If that fails too, the entry is dropped.
    private void LogAgain(LogLevel logLevel, EventId eventId, Exception failure, Func<string> message)
    {
        try
        {
            inner.Log(
                logLevel,
                eventId,
                message,
                null,
                (text, _) => $"{text()} (logging it with its exception failed: {failure.GetType().FullName})");
        }
        catch (Exception)
        {
            // The entry is dropped: there is nowhere left to report it.
        }
    }
}
