using Microsoft.Extensions.Logging;

namespace Dbos.Fluent.Execution;

/// <summary>
/// Logs for the engine, which must not fail where a log does: a provider may throw, and so may the exception it is to print.
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

    // Once more without the exception, which may be what cannot be printed; a log that fails even so is given up.
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
            // There is nobody left to tell.
        }
    }
}
