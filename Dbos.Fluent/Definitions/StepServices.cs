using Microsoft.Extensions.DependencyInjection;

namespace Dbos.Fluent.Definitions;

/// <summary>The services of one attempt of a step: a scope of their own, made when they are first asked for.</summary>
/// <param name="provider">The application's services.</param>
/// <param name="scopes">Makes scopes; null where the application's services have none.</param>
internal sealed class StepServices(IServiceProvider provider, IServiceScopeFactory? scopes = null) : IAsyncDisposable
{
    private readonly Lock gate = new();
    private AsyncServiceScope? scope;
    private bool ended;

    /// <summary>The scope's own provider, as it may do more than one that stands before it.</summary>
    /// <exception cref="ObjectDisposedException">The attempt has ended.</exception>
    public IServiceProvider Provider
    {
        get
        {
            if (scopes is null)
            {
                return provider;
            }

            lock (gate)
            {
                ObjectDisposedException.ThrowIf(ended, typeof(StepContext));
                return (scope ??= scopes.CreateAsyncScope()).ServiceProvider;
            }
        }
    }

    /// <summary>Ends the scope with what it has made; once.</summary>
    public ValueTask DisposeAsync()
    {
        lock (gate)
        {
            var made = ended ? null : scope;
            ended = true;
            return made?.DisposeAsync() ?? ValueTask.CompletedTask;
        }
    }
}
