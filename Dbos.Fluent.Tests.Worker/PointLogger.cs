using Microsoft.Extensions.Logging;

namespace Dbos.Fluent.Tests.Worker;

/// <summary>
/// Reports what the engine logs as points, such as <c>log StepRetried</c>; their texts tell a failing test what happened.
/// </summary>
internal sealed class PointLogger(WorkerPoints points) : ILoggerFactory, ILogger
{
    public ILogger CreateLogger(string categoryName) => this;

    public void AddProvider(ILoggerProvider provider)
    {
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        var text = formatter(state, exception) + (exception is null ? "" : $" {exception.GetType().Name}: {exception.Message}");
        _ = points.ReachAsync("log " + eventId.Name, text.ReplaceLineEndings(" "));
    }

    public void Dispose()
    {
    }
}
