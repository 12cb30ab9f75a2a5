using Microsoft.Extensions.DependencyInjection;

namespace Dbos.Fluent.Definitions;

/// <summary>The services of one attempt of a step, in their own scope, which is created on first use.</summary>
/// <param name="provider">The application's services.</param>
/// <param name="scopes">Creates scopes; null if the application's services have none.</param>
internal sealed class StepServices(IServiceProvider provider, IServiceScopeFactory? scopes = null) : IAsyncDisposable
{
    private readonly Lock gate = new();
    private AsyncServiceScope? scope;
    private bool ended;

    /// <summary>The scope's own provider, because it may do more than a wrapper around it.</summary>
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

    /// <summary>Disposes the scope and its services, once.</summary>
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
