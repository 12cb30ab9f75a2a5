using System.Collections.Concurrent;

namespace Dbos.Fluent.Execution;

/// <summary>
/// Tokens that rows carry, or may carry already, of what is about to begin here: a start or a next generation that is being written, a
/// claim that is under way or whose histories are being read. However long that takes, such a row is nobody's orphan.
/// </summary>
internal sealed class TokensInHand
{
    // With the token whose place the one in hand takes; empty where there is none.
    private readonly ConcurrentDictionary<string, string> tokens = new(StringComparer.Ordinal);

    public ICollection<string> All => tokens.Keys;

    /// <summary>Holds a token until it is let go: everything under it has begun then, or is somebody else's.</summary>
    /// <param name="token">The token.</param>
    /// <param name="after">The token of the generation that it follows.</param>
    public Holding Hold(string token, string after = "")
    {
        tokens[token] = after;
        return new Holding(this, token);
    }

    /// <summary>True while the next generation of what has this token is in hand.</summary>
    public bool IsFollowed(string token) => tokens.Values.Contains(token);

    public void LetGo(string token) => tokens.TryRemove(token, out _);

    /// <summary>A token while it is held.</summary>
    internal readonly struct Holding(TokensInHand inHand, string token) : IDisposable
    {
        public void Dispose() => inHand.LetGo(token);
    }
}
