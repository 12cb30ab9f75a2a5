using System.Collections.Concurrent;

namespace Dbos.Fluent.Execution;

/// <summary>
/// Tokens that rows carry, or may carry already, of what is about to begin here: a start or a next generation that is being written, a
/// claim that is under way or whose histories are being read. However long that takes, such a row is nobody's orphan.
/// </summary>
internal sealed class TokensInHand
{
    private readonly ConcurrentDictionary<string, bool> tokens = new(StringComparer.Ordinal);

    public ICollection<string> All => tokens.Keys;

    /// <summary>Holds a token until it is let go: everything under it has begun then, or is somebody else's.</summary>
    public Holding Hold(string token)
    {
        tokens[token] = true;
        return new Holding(this, token);
    }

    public void LetGo(string token) => tokens.TryRemove(token, out _);

    /// <summary>A token while it is held.</summary>
    internal readonly struct Holding(TokensInHand inHand, string token) : IDisposable
    {
        public void Dispose() => inHand.LetGo(token);
    }
}
