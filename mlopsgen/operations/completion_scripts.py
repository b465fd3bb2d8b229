"""What each shell runs when somebody presses Tab after ``mlopsgen``.

A script hands over the line up to the cursor in ``_MLOPSGEN_LINE`` and gets one word on a line, with its meaning after
a tab (bash: without); the answer ``:files`` lets the shell complete a path.
"""

from __future__ import annotations

_BASH = r"""# Completes the commands of mlopsgen in bash. Written by 'mlopsgen completion bash'.
_mlopsgen_complete() {
    local IFS=$'\n' answer
    answer=$(_MLOPSGEN_COMPLETE=bash _MLOPSGEN_LINE="${COMP_LINE:0:COMP_POINT}" \
        _MLOPSGEN_BREAKS="$COMP_WORDBREAKS" "$1" 2>/dev/null)
    COMPREPLY=()
    if [ "$answer" = ":files" ]; then
        # bash 3 (macOS) has no compopt.
        compopt -o default 2>/dev/null || COMPREPLY=($(compgen -f -- "$2"))
        return 0
    fi
    COMPREPLY=($answer)
    if [ "${#COMPREPLY[@]}" -eq 1 ] && [ "${COMPREPLY[0]%=}" != "${COMPREPLY[0]}" ]; then
        compopt -o nospace 2>/dev/null
    fi
    return 0
}
complete -F _mlopsgen_complete mlopsgen
"""

_ZSH = r"""#compdef mlopsgen
# Completes the commands of mlopsgen in zsh. Written by 'mlopsgen completion zsh'.
_mlopsgen() {
    local -a answer plain open
    local line value meaning
    answer=("${(@f)$(_MLOPSGEN_COMPLETE=zsh _MLOPSGEN_LINE="${(j: :)words[1,CURRENT-1]} $PREFIX" \
        "${words[1]}" 2>/dev/null)}")
    if [[ "${answer[1]}" == ":files" ]]; then
        _files
        return
    fi
    for line in "${answer[@]}"; do
        [[ -n "$line" ]] || continue
        value="${line%%$'\t'*}"
        meaning="${line#*$'\t'}"
        [[ "$meaning" != "$line" ]] || meaning=""
        value="${value//:/\\:}"
        if [[ "$value" == *= ]]; then
            open+=("$value:$meaning")
        else
            plain+=("$value:$meaning")
        fi
    done
    (( ${#plain} )) && _describe 'mlopsgen' plain
    (( ${#open} )) && _describe 'mlopsgen' open -S ''
    return 0
}
if [[ "${funcstack[1]}" == "_mlopsgen" ]]; then
    _mlopsgen "$@"
else
    (( $+functions[compdef] )) || { autoload -Uz compinit && compinit -i }
    compdef _mlopsgen mlopsgen
fi
"""

_FISH = r"""# Completes the commands of mlopsgen in fish. Written by 'mlopsgen completion fish'.
function __mlopsgen_complete
    set -l words (commandline -opc)
    set -l line (commandline -cp | string collect)
    set -l answer (env _MLOPSGEN_COMPLETE=fish _MLOPSGEN_LINE="$line" $words[1] 2>/dev/null)
    if test "$answer[1]" = ":files"
        __fish_complete_path (commandline -ct)
    else
        printf '%s\n' $answer
    end
end
complete --command mlopsgen --no-files --arguments '(__mlopsgen_complete)'
"""

_POWERSHELL = r"""# Completes the commands of mlopsgen in PowerShell. Written by 'mlopsgen completion powershell'.
Register-ArgumentCompleter -Native -CommandName mlopsgen -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $line = $commandAst.Extent.Text
    $length = $cursorPosition - $commandAst.Extent.StartOffset
    if ($length -lt $line.Length) { $line = $line.Substring(0, $length) }
    elseif ($wordToComplete -eq '') { $line += ' ' }
    $env:_MLOPSGEN_COMPLETE = 'powershell'
    $env:_MLOPSGEN_LINE = $line
    try { $answer = @(& $commandAst.CommandElements[0].Value 2>$null) }
    finally { Remove-Item Env:_MLOPSGEN_COMPLETE, Env:_MLOPSGEN_LINE }
    if ($answer.Count -and $answer[0] -ne ':files') {
        foreach ($each in $answer) {
            $value, $meaning = $each -split "`t", 2
            if (-not $meaning) { $meaning = $value }
            [System.Management.Automation.CompletionResult]::new($value, $value, 'ParameterValue', $meaning)
        }
    }
}
"""

SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH, "powershell": _POWERSHELL}
"""By shell."""
